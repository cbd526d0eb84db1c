//! Slicers: one sample in, any number of pieces out.

wrasse_op::operators! {
    text_chunk_mapper,
    text_splitter,
}
