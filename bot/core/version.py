"""The product's version, as `CHANGELOG.md` names it."""

VERSION = "0.5.0"
