"""Console logins, and the configuration versions that were seen."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "admins",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "login_tokens",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("admin", sa.String(64), sa.ForeignKey("admins.name"), nullable=False),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("admin", sa.String(64), sa.ForeignKey("admins.name"), nullable=False),
        sa.Column("created_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_unix_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "config_versions",
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("first_seen_unix_ns", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(1024), nullable=False),
    )
