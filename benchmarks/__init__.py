"""The numbers of docs/measured.md: ``make bench``, or ``python -m benchmarks NAME`` for one of them.

Each module here measures one thing: its docstring's first line says what, and ``main()`` prints the numbers with what
they are compared to. It needs no network; what needs material of others says so and measures the rest.
"""

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
"""How the names of the pictures in a folder end."""
