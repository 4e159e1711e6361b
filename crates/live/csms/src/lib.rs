//! The central system: station facts become events, commands become calls.
