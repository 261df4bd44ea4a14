"""What is read of an ONNX file is what ONNX's own package reads."""

import onnx
import pytest
from onnx import TensorProto, helper

from isthmus.errors import ModelError
from isthmus.model.graph import operations
from isthmus.model.registry import release_model


@pytest.mark.parametrize("name", ["best", "fast"])
@pytest.mark.parametrize("network", ["trunk.onnx", "grid.onnx"])
def test_the_release_models(name: str, network: str) -> None:
    file = release_model(name).arrays[network].tobytes()
    found = operations(file)
    nodes = onnx.load_from_string(file).graph.node
    assert [(o.kind, o.inputs, o.outputs) for o in found] == [
        (node.op_type, tuple(node.input), tuple(node.output)) for node in nodes
    ]
    for operation, node in zip(found, nodes, strict=True):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.INTS:
                assert operation.numbers[attribute.name] == tuple(attribute.ints)
            if attribute.type == onnx.AttributeProto.INT:
                assert operation.numbers[attribute.name] == (attribute.i,)


def file() -> bytes:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 300])
    return bytes(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:])).SerializeToString())


def test_damage_is_an_error_of_ours() -> None:
    whole = file()
    assert operations(whole)[0].numbers["kernel_shape"] == (3, 300)
    failed = 0
    for cut in range(len(whole)):
        try:
            operations(whole[:cut])
        except ModelError:
            failed += 1
    assert failed > len(whole) // 2
    with pytest.raises(ModelError, match="no ONNX file"):
        operations(b"\xff" * 20)
