import numpy as np
import pytest
import torch

from kame_data.codec import untrained
from kame_data.codec.mimi import CodecSpec, Mimi
from kame_data.codec.token_schema import CARD
from kame_data.errors import UsageError


@pytest.fixture(scope="module")
def small():
    torch.set_num_threads(1)
    return Mimi(CodecSpec.of("untrained-small"))


def sounds(samples, seed=0):
    """Two channels of noise that comes and goes."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (2, samples))
    return (noise * np.sin(np.arange(samples) / 3000)).astype(np.float32)


@pytest.mark.parametrize("samples", [1, 1919, 1920, 1921, 24_000, 96_001])
def test_frames_codebooks_and_entries_are_mimis(small, samples):
    (codes,) = small.encode([sounds(samples)])
    assert codes.shape == (2, 8, -(-samples // 1920)) and codes.dtype == np.uint16
    assert codes.max() < CARD


def test_codes_tell_sounds_apart(small):
    (codes,) = small.encode([sounds(240_000)])
    for book in codes.transpose(1, 0, 2).reshape(8, -1):
        assert len(set(book.tolist())) > len(book) / 4
    (silent,) = small.encode([np.zeros((2, 24_000), np.float32)])
    assert all(len(set(book.tolist())) == 1 for book in silent[0][:, 1:])


def test_a_clip_alone_has_the_codes_it_has_in_a_batch_by_length(small):
    clips = [sounds(n, n) for n in (24_000, 50_001, 3_000, 49_000)]
    alone = small.encode(clips)
    batched = Mimi(CodecSpec.of("untrained-small"))
    batched.on_cpu = False  # as on an accelerator
    assert max(map(len, batched._batches(clips))) > 1
    for one, other in zip(alone, batched.encode(clips), strict=True):
        assert one.shape == other.shape
        assert (one == other).mean() > 0.98  # sums are rounded otherwise in another shape


def test_batches_hold_clips_of_like_length_and_not_too_many(small, monkeypatch):
    monkeypatch.setattr("kame_data.codec.mimi.BATCH_SECONDS", 10)
    other = Mimi(CodecSpec.of("untrained-small"))
    other.on_cpu = False
    clips = [np.zeros((2, 24_000 * s), np.float32) for s in (1, 4, 2, 1, 5, 30)]
    assert other._batches(clips) == [[5], [4], [1], [2, 0], [3]] or [[5], [4], [1, 2], [0, 3]]
    for batch in other._batches(clips):
        longest = max(clips[i].shape[1] for i in batch) / 24_000
        assert len(batch) == 1 or 2 * longest * len(batch) <= 10


def test_the_same_weights_every_time():
    one, other = untrained.untrained_mimi(small=True), untrained.untrained_mimi(small=True)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


def test_the_weights_do_not_hang_on_torchs_random_numbers():
    torch.manual_seed(1)
    one = untrained.untrained_mimi(small=True).state_dict()
    torch.manual_seed(2)
    other = untrained.untrained_mimi(small=True).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one if not name.startswith("decoder"))


def test_mimis_own_size_is_the_default_network():
    from moshi.models import loaders

    model = untrained.untrained_mimi(small=False)
    ours = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    theirs = {name: tuple(weight.shape) for name, weight in loaders.get_mimi(None).state_dict().items()}
    assert ours == theirs


def test_labels_say_what_is_untrained():
    assert CodecSpec.of("untrained").label == "untrained seed=0"
    assert CodecSpec.of("untrained-small").label == "untrained small seed=0"
    assert CodecSpec.of("untrained").sha256 != CodecSpec.of("untrained-small").sha256


def test_a_file_of_weights_is_the_codec(tmp_path, monkeypatch):
    from moshi.models import loaders
    from safetensors.torch import save_file

    monkeypatch.setattr(loaders, "_mimi_config", untrained.SMALL)
    model = untrained.untrained_mimi(small=True)
    path = tmp_path / "mimi.safetensors"
    save_file({name: weight.contiguous() for name, weight in model.state_dict().items()}, path)
    spec = CodecSpec.of(str(path))
    assert spec.label == "mimi mimi.safetensors"
    sound = sounds(24_000)
    assert np.array_equal(Mimi(spec).encode([sound])[0], Mimi(CodecSpec.of("untrained-small")).encode([sound])[0])


def test_what_is_no_codec_is_said(tmp_path):
    with pytest.raises(UsageError, match="no such file; give mimi"):
        CodecSpec.of(str(tmp_path / "none"))
    path = tmp_path / "some.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(UsageError, match="does not hold Mimi's weights"):
        Mimi(CodecSpec.of(str(path)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_said():
    with pytest.raises(UsageError, match=r"--device cuda: .*give cpu or cuda"):
        Mimi(CodecSpec.of("untrained-small"), "cuda")
