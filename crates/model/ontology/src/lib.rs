//! The kinds of twin Voltwin knows, read from DTDL files.
