"""Layout 2: citations, files, closings and the views of effective rows; entries as before."""

from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the typed tables of layout 1 away; those of the release are made from the entries after the last step."""
    for name in ("verifications", "findings", "checks"):
        op.drop_table(name)
