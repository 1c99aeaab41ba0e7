//! Where a profile's credentials come from: configuration and a name in, a chain out. Pure.
