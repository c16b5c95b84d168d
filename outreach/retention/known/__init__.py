"""What the service knows of an address, as people read it: French titles and labels, a page, a PDF."""
