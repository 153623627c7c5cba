"""What stands on the stage, one file per kind of thing. A kind joins by `arviewer.render.props.registry.draws`."""
