"""The command line: what can be asked (`asking`), the verbs, what is shown (`telling`), and the door in front."""

from stillwake.cli.door import main
from stillwake.cli.verbs import app

__all__ = ["app", "main"]
