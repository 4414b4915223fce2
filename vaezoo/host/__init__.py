"""The plugin host: finds plugins, checks and loads each under a guard, and asks them while the zoo works.

`manager` holds the zoo of this process: the loaded plugins and the registry of all that they declare. `hookspecs` are
the hooks that a plugin can implement. `register` declares things from code instead. `settings` reads the user's
configuration, and `template` writes the files of a new plugin.
"""
