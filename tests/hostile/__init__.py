"""What somebody would try who means ill."""
