"""What must hold while something fails, tried at moments that a seed decides."""
