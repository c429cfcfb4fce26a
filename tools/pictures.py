"""What happens to pictures on their way into the notebooks and the site."""

from PIL import Image


def on_white(image):
    """Return a picture in RGB; what is transparent shows the white of paper.

    Its colours alone, which is what ``convert("RGB")`` takes, are often black
    there. Greys of 16 bits keep their upper eight, which ``convert`` cuts off
    at 255.
    """
    if image.mode.startswith("I"):
        image = image.point(lambda grey: grey / 256).convert("L")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
