"""Pictures: the style of plots, learning curves, glimpse paths and animations. Uses evaluation, never the reverse."""
