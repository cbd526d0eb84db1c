import a_package_that_nobody_has

from datamate.core.base_op import Mapper


class NeedsAPackage(Mapper):
    def execute(self, sample):
        return a_package_that_nobody_has.work(sample)
