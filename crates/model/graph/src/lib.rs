//! The twin graph in memory: typed columns, adjacency, update times and ETags.
