//! How a pack charges: an equivalent circuit under CC-CV.
