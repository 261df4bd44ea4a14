"""Pictures: pixels, files, bit depths, tiles, transparency; `coders` turn windows of pixels into payloads."""
