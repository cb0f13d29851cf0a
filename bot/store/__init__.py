"""The one database: schema, migrations and every query."""
