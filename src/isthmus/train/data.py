"""Pictures to train on: a folder of any tree and format, as uint8 crops in memory."""
