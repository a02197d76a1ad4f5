"""The inbox: what is entered into it, whether it is also mailed or pushed, and when."""
