"""Layout 1: entries, checks, findings, verifications. No ledger was made with less, so nothing leads here."""

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: a ledger of this layout was made by its release as a whole."""
