"""Quality inspections of a property-management company."""

__version__ = "0.1.0"
