//! source-folder
