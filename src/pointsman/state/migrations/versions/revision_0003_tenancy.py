"""Plans, the terms of tenants and keys, the configuration in force; an audit that only grows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and tables, and have the database refuse changes of audit rows."""
    op.create_table(
        "plans",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("changed_unix_ns", sa.BigInteger, nullable=False),
    )
    op.add_column("tenants", sa.Column("terms", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("tenants", sa.Column("disabled_unix_ns", sa.BigInteger))
    for name, empty in (("routes", "[]"), ("dialects", "[]"), ("aliases", "{}")):
        op.add_column("keys", sa.Column(name, sa.JSON, nullable=False, server_default=empty))
    op.create_index("tenants_by_plan", "tenants", ["plan"])
    op.create_index("keys_by_tenant", "keys", ["tenant"])
    op.create_table(
        "config_in_force",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("leaves", sa.JSON, nullable=False),
    )
    op.create_index("audit_by_subject", "audit", ["subject", "sequence"])
    op.create_index("audit_by_action", "audit", ["action", "sequence"])
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
            )
