"""What every benchmark needs: the machine, the servers, the load and the report."""
