"""A finished build, or a trained model, on the Hugging Face Hub.

`build.py` and `model.py` say what is uploaded, `gates.py` what must not be, `upload.py` gets it there; cards are
templates in `data/cards`.
"""
