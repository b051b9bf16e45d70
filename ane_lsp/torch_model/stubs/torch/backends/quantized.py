engine = "none"
supported_engines = ["none", "onednn", "x86", "fbgemm", "qnnpack"]
