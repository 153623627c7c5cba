"""The panels beside the views: series and structures."""
