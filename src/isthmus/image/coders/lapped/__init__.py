"""The lapped coder: overlapped transforms by networks, latents coded pass by pass, each predicted from the last.

    pixels --analysis--> y --quantize, pass by pass--> symbols --range coder--> payload
    payload --> symbols + means = decoded latents --synthesis--> pixels

Tiles are coded independently of each other. The transforms are not cut at tile borders: analysis sees the pixels around
a tile, synthesis the latents of the tiles around it, so the result does not depend on how a picture is worked through.
"""
