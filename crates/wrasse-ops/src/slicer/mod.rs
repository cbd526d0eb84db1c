//! Slicers: one sample in, any number of pieces out.

wrasse_op::operators! {
    latex_figure_context_extractor_mapper,
    segmentation,
    text_chunk_mapper,
}
