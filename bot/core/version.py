"""The product's version, as `CHANGELOG.md` names it."""

VERSION = "0.2.0"
