"""Trains the net that counts the digits of a hand: drawn hands, and real ones with a digit more or less."""
