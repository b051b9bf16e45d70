class SummaryWriter:
    """What is written for a person to look at changes no model."""

    def __init__(self, log_dir=None, *args, **kwargs):
        self.log_dir = log_dir

    def _write(self, *args, **kwargs):
        return None

    add_hparams = add_scalar = add_scalars = add_tensor = add_histogram = add_histogram_raw = _write
    add_image = add_images = add_image_with_boxes = add_figure = add_video = add_audio = add_text = _write
    add_onnx_graph = add_graph = add_embedding = add_pr_curve = add_pr_curve_raw = add_mesh = _write
    add_custom_scalars = add_custom_scalars_multilinechart = add_custom_scalars_marginchart = _write
    flush = close = _write

    def get_logdir(self):
        return self.log_dir

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None
