"""Says, last, which tests could not run for lack of a system package."""

from __future__ import annotations

import sys

from deploy.local.packages import missing


def main() -> int:
    """Prints one line a missing package."""
    for package in missing():
        print(f"Testes pulados por falta do pacote do sistema: {package}")
    print("Suíte completa.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
