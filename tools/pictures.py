"""What happens to pictures on their way into the notebooks and the site."""

from PIL import Image


def on_white(image):
    """Return a picture in RGB; what is transparent shows the white of paper.

    Its colours alone, which is what ``convert("RGB")`` takes, are often black
    there.
    """
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
