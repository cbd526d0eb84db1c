//! Whether a JPEG file is all there.

/// Whether the file ends within its pixels. Decoders fill up what is missing
/// with gray and say nothing.
pub(super) fn is_cut_off(file: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
    // A preview in front of the scan has an end of its own: whole segments are
    // passed over.
    let mut at = 2;
    while let Some([0xff, marker, length @ ..]) = file.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        match *marker {
            START_OF_SCAN => {
                // Pixels do not hold the bytes of a marker.
                let pixels = &file[at + 4..];
                return !pixels.windows(2).any(|two| two == END_OF_IMAGE);
            }
            // Fill bytes in front of a marker.
            0xff => at += 1,
            _ => at += 2 + length,
        }
    }
    true
}
