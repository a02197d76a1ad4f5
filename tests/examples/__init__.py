"""The example as people use it: in a browser, on a server that comes and goes."""
