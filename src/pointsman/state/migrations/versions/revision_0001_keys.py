"""Keys, tenants, the audit trail and the version counter."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and the identity of this database."""
    meta = op.create_table(
        "meta",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state_id", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("keys_required", sa.Boolean, nullable=False),
    )
    row = {"id": 1, "state_id": secrets.token_hex(8), "version": 1, "keys_required": False}
    op.bulk_insert(meta, [row])
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(256), primary_key=True),
        sa.Column("plan", sa.String(256)),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
    )
    _create_keys()
    op.create_table(
        "audit",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("at_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(256), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("tenant", sa.String(256), sa.ForeignKey("tenants.id")),
        sa.Column("plan", sa.String(256)),
        sa.Column("user", sa.String(256)),
        sa.Column("team", sa.String(256)),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("may_set_tenant", sa.Boolean, nullable=False),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_ns", sa.BigInteger),
        sa.Column("revoked_unix_ns", sa.BigInteger),
        sa.Column("last_four", sa.String(4), nullable=False),
    )
    op.create_index("keys_by_name", "keys", ["name"])
