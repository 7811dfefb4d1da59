"""Which injuries does the inspection catch, where, and what does it say of clean clips?"""

from .command import main

if __name__ == "__main__":
    main()
