//! Windows: there is Ctrl-C, which the console sends to vault and to its command alike, and `ui` sees to.
