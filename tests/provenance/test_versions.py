from img2height.provenance.versions import versions


def test_versions_name_what_a_result_depends_on():
    assert {"python", "torch", "numpy", "rasterio"} <= set(versions())
    assert all(type(version) is str for version in versions().values())
