"""The separable coder: an exact transform, gains that follow decoded texture, a network behind the inverse transform.

    pixels --transform--> coefficients --steps, gains, pass by pass--> symbols --range coder--> payload
    payload --> symbols + means = latents --corrected, inverse transform--> planes --corrected--> pixels

Tiles are coded independently of each other. The transform is not cut at tile borders: analysis sees the pixels around
a tile, synthesis the latents of the tiles around it, so the result does not depend on how a picture is worked through.
"""
