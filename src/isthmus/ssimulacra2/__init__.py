"""SSIMULACRA2 2.1: how far a decoded picture is from an original to an eye, and which way would bring it nearer.

The score is a metric of the bench; the gradient is what an encoder that tries hard follows. Neither knows of codecs.

Source: Sneyers, "SSIMULACRA 2", Cloudinary 2022; tools/ssimulacra2.cc of libjxl.
"""
