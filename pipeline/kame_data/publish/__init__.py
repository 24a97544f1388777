"""A finished build, or a trained model, on the Hugging Face Hub.

`dataset.py` and `model_upload.py` say what is uploaded, `gates.py` what must not be, `upload.py` gets it there; cards
are templates in `data/cards`.
"""
