"""The bundled plugins: a module each, or a folder where one needs more. They import the kit and nothing else."""
