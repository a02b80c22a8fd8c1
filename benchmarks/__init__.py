"""How fast the library is, held against the bars of the design's section 9."""
