"""What there is to see: images and labels, the scenes composed of them, and the random draws behind both."""
