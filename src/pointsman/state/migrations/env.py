"""Run by Alembic around the revisions: on the connection and in the transaction it is handed."""

from alembic import context

from pointsman.state.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
