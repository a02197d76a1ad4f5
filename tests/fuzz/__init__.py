"""The served schema under generated operations, by a program made for it."""
