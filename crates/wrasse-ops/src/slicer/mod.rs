//! Slicers: one sample in, any number of pieces out.

wrasse_op::operators! {
    latex_figure_context_extractor_mapper,
    markdown_chunk_mapper,
    naive_reverse_grouper,
    sentence_chunk_mapper,
    text_chunk_mapper,
    text_splitter,
    token_chunk_mapper,
}
